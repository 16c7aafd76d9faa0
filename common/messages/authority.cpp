#include "common/messages/authority.hpp"

#include "common/messages/codec_impl.hpp"

namespace guild::messages {

GUILD_MESSAGE(AddGrant);
GUILD_MESSAGE(Grant);
GUILD_MESSAGE(RevokeGrant);
GUILD_MESSAGE(ListGrants);
GUILD_MESSAGE(GrantsPage);
GUILD_MESSAGE(RequestPermit);
GUILD_MESSAGE(Permit);
GUILD_MESSAGE(SettlePermit);
GUILD_MESSAGE(Settled);
GUILD_MESSAGE(ListApprovals);
GUILD_MESSAGE(Approval);
GUILD_MESSAGE(ApprovalsPage);
GUILD_MESSAGE(DecideApproval);
GUILD_MESSAGE(ChangeBot);
GUILD_MESSAGE(GetToken);
GUILD_MESSAGE(Token);
GUILD_MESSAGE(SetBot);
GUILD_MESSAGE(ReviveBot);
GUILD_MESSAGE(SyncKeys);
GUILD_MESSAGE(KeySynced);
GUILD_MESSAGE(KeysSynced);
GUILD_MESSAGE(ListAudit);
GUILD_MESSAGE(AuditRecord);
GUILD_MESSAGE(AuditPage);

}  // namespace guild::messages
