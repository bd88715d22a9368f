"""Jinja templates in the arguments of tasks, with Airflow's rules.

A field that an operator names in `template_fields` is rendered for every try, strings inside of lists,
tuples, sets, dicts and objects with `template_fields` of their own included. What came from another task
is data and never rendered. Only `environments.py` knows Jinja, and a process without templates need not
import it.
"""
