"""What the procedures share: knowing facts, waiting, asking, the steps of a panel and of a decision."""
