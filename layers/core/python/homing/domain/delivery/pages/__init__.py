"""The few pages that customers see: plain HTML in the shop's colours, without JavaScript."""
