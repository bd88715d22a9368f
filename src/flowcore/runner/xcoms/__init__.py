"""XComs: how values become texts and come back, where they are kept, and how tries push and pull them."""
