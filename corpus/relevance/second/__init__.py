"""The second scorer: a closer look at the extracted text of the pages that fastText lets through."""
