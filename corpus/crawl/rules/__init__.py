"""What is known of a page without its text: address, directives, licence."""
