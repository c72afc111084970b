"""Box's OAuth 2: the pages a person sees, the grants they give, the tokens an app holds."""
