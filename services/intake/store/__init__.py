"""All SQL of intake, one module per subject. Functions take the connection of the command's transaction."""
