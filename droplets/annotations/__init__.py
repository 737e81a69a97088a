"""What was burnt into pictures: scale bars and their captions."""
