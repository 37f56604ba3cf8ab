-- Gives whose turn it is.
-- ARGV: now, accounts to pass over
local horizon, account, version = take_turn(ARGV[1], 2)
return { horizon, floor(), account, version }
