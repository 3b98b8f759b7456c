"""The pages under `/docs`: a guide that is written, and a reference made from the routes."""
