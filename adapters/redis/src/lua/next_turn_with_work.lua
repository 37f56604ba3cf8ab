-- Returns the turn and what the account has to claim; false instead of the latter if it can't be
-- read.
local succeeded, work = pcall(read_work, ARGV[1], '', ARGV[2], ARGV[3])
return { horizon, floor_now, account, version, succeeded and work }
