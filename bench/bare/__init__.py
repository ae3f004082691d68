"""The yardstick: a Django project as `startproject` makes it, with one view for signed-in users, under granian."""
