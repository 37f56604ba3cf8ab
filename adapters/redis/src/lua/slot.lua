-- The horizon of a slot, for all its accounts.
local HORIZON = KEYS[1]
