-- Records the number of tasks that an account has at a revision, and releases a reservation. A
-- revision older than the recorded one changes nothing. If the account is unknown and its revision
-- is not above the floor, it may have been forgotten since: 'check' asks the caller to read it
-- again.
-- ARGV: token or '', account, number of tasks or '', revision
if ARGV[1] ~= '' then redis.call('HDEL', RESERVATIONS, ARGV[1]) end
if ARGV[3] == '' then return { 'ok' } end
local known = redis.call('HGET', COUNTS, ARGV[2])
local number, revision = '0', floor()
if known then number, revision = string.match(known, '^(%d+) (%d+)$') end
if not number then damaged(COUNTS, ARGV[2]) end
if is_higher(ARGV[4], revision) then
  local more = tonumber(ARGV[3]) - tonumber(number)
  if more ~= 0 then
    redis.call('INCRBY', TOTAL, string.format('%.0f', more))
    redis.call('INCR', CHANGES)
  end
  redis.call('HSET', COUNTS, ARGV[2], ARGV[3] .. ' ' .. ARGV[4])
elseif not known then
  return { 'check', revision }
end
return { 'ok' }
