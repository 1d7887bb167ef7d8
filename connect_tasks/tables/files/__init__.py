"""Files in: CSV, Parquet, JSON lines and spreadsheets, one or many, read piece by piece.

`opening` opens any of them. `sources` finds a file or fetches it, `folders` lists many, `file_set`
makes one table of these. A CSV is `csv_text` first, then `delimiters` finds out how it is laid out,
`csv_file` reads it, and `swallowed_rows` looks for what odd quotes have done.
"""
