-- What all accounts of a slot share, where they can't read what all accounts share: the horizon.
local HORIZON = KEYS[1]
