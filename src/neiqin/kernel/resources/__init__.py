"""Resources: from one declaration list, record, form, actions and API of a model. Budgets: docs/architecture.md."""
