"""The windows: each file one dialog or one page, which shows what it is given and says what was chosen. Work is done elsewhere, in threads."""
