"""Tables in and out: workbooks, text files, clipboard; dry run, undo, error workbook, export."""
