"""What authors decorate: `@dag`, `@task` with all its kinds, `@task_group`, `@setup`, `@teardown`."""
