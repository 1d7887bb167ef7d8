"""botocore's model of the services, and the rules that it leaves out."""
