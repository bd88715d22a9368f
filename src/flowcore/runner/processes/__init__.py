"""Processes: the fork server, the servers of Dag files that it forks, and the children of both."""
