"""The rooms that know Copier: the Jinja extension, the gate, the questions."""
