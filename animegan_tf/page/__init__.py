"""What all reports share: templates into HTML, pictures and charts inside a page."""
