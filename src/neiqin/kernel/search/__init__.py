"""One index for everything that is found by typing: Chinese words, pinyin, initials, codes."""
