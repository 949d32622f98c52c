"""A bundle becomes sentences: documents, chapters, sentences, and what is said for each."""
