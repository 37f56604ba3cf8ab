-- Takes the next turn and names the keys of its account, so that the same step can read the
-- account. Only on a single server: it has no slots, so that the script may use keys that were not
-- passed to it.
-- ARGV: now, limit of the lane or '', '1' to look for a task to take over, prefix, accounts to pass
-- over
local horizon, account, version = take_turn(ARGV[1], 5)
local floor_now = floor()
if not account then return { horizon, floor_now, false, '', false } end

local function encoded(name)
  return (string.gsub(name, '[^%w_%.%-]', function(byte)
    return string.format('%%%02X', string.byte(byte))
  end))
end

local stem = ARGV[4] .. ':{' .. encoded(account) .. '}:'
local names = {
  'initialized', 'received', 'processing-in-progress', 'processing-completed', 'processing-error',
}
local of_account = { stem .. 'account', stem .. 'tasks', HORIZON }
for at, name in ipairs(names) do
  of_account[3 + at] = stem .. 'order:' .. name
  of_account[8 + at] = stem .. 'expiry:' .. name
end
local KEYS = of_account
