-- Takes the next turn. Returns the horizon, the floor, the account, and the version of its entry.
-- ARGV: now, accounts to pass over
local horizon, account, version = take_turn(ARGV[1], 2)
return { horizon, floor(), account, version }
