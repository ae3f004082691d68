"""Work in the background: `from neiqin.kernel.jobs.queue import job, defer`."""
