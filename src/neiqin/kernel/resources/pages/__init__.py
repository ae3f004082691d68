"""The ordinary screens of a resource: list, record, form, actions, pickers. Any can be replaced by a plain view."""
