"""The working calendar, clocks that start, hold and stop on events, reminders, escalation."""
