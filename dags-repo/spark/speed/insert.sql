INSERT INTO {table} ({columns}) FORMAT RowBinary
