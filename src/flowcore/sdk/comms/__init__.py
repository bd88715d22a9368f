"""How a task's code talks to the supervisor of its try: one protocol, the same from every kind of code.

`messages.py` says what is said, `questions.py` how the SDK asks in both colours, `protocol.py` how it
looks in bytes; `decoder.py` carries it over a socket.
"""
