"""Where rows come from: queries, files, and lists."""
