"""What the server is told: sized for one office machine, safe for acknowledged work."""

from pathlib import Path

# Shared buffers are the largest single piece of the 300 MB that everything at rest may take.
DURABLE = {
    "listen_addresses": "''",
    "unix_socket_permissions": "0700",
    "password_encryption": "'scram-sha-256'",
    "max_connections": "60",
    "superuser_reserved_connections": "3",
    "shared_buffers": "'96MB'",
    "work_mem": "'8MB'",
    "maintenance_work_mem": "'64MB'",
    "effective_cache_size": "'1GB'",
    "random_page_cost": "1.1",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # pglz, the one this build has, takes a sixth of the server's time in an import to save disk space that is reused.
    "wal_compression": "off",
    "wal_level": "'replica'",
    "max_wal_senders": "2",
    "max_wal_size": "'1GB'",
    "min_wal_size": "'64MB'",
    "checkpoint_completion_target": "0.9",
    "max_worker_processes": "6",
    "max_parallel_workers": "2",
    "autovacuum_max_workers": "2",
    "autovacuum_naptime": "'30s'",
    "io_method": "'sync'",
    "jit": "off",
    "idle_in_transaction_session_timeout": "'60s'",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "deadlock_timeout": "'500ms'",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "log_destination": "'stderr'",
    "logging_collector": "off",
    "log_line_prefix": "'%m [%p] %u@%d '",
    "log_min_messages": "'warning'",
    # Statements and details may hold personal data, which must not reach a log.
    "log_min_error_statement": "'panic'",
    "log_error_verbosity": "'terse'",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "lc_messages": "'C'",
    "cluster_name": "'neiqin'",
}

# For clusters that are thrown away: what was committed survives killed processes, but not a power cut.
THROWAWAY = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "'256MB'"}


def text(durable: bool, sockets: Path) -> str:
    """The settings file, rewritten at each start; ALTER SYSTEM still wins over it."""
    folder = str(sockets).replace("'", "''")
    settings = DURABLE | ({} if durable else THROWAWAY) | {"unix_socket_directories": f"'\"{folder}\"'"}
    lines = [f"{name} = {value}" for name, value in settings.items()]
    return "# Written by neiqin at each start: change settings with ALTER SYSTEM instead.\n" + "\n".join(lines) + "\n"


ACCESS = """# Written by neiqin at each start.
local all all scram-sha-256
"""
