"""Stories played: the backtest's services in memory, people who do things, and expectations that hold or not."""
