"""What an application is, by what rules it is judged and how it may move: pure functions, no input or
output."""
