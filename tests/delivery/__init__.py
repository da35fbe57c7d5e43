"""What is delivered beside the Python: the two commands, the containers, the dependency audit."""
