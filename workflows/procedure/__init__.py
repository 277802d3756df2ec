"""What the procedures share: knowing facts, waiting, asking people, and the steps of a panel and a decision."""
