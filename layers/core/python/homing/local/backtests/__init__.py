"""``report.html`` of a backtest: what campaigns would have done, drawn from its numbers alone."""
