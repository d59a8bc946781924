"""The workplace `--on ray`: the work spread over the machines of a Ray cluster. Only this folder knows Ray."""
