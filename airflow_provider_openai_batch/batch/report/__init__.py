"""What a load reports: counted figures, and the page that shows them."""
