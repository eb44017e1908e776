using System.Text;
using Hospes.Store.Engine;
using Hospes.Store.Quotas;
using Hospes.Store.Tree;
using Hospes.Store.Wire;

namespace Hospes.Store.Requests;

/// <content>Domains: their coming and going, targets, features, quotas.</content>
internal sealed partial class RequestProcessor
{
    private XsError Introduce(in Request request)
    {
        ReadOnlySpan<byte> rest = request.Payload;
        if (!TryTakeString(ref rest, out ReadOnlySpan<byte> id) || !TryTakeString(ref rest, out ReadOnlySpan<byte> gfn) || !TryTakeString(ref rest, out ReadOnlySpan<byte> port)) return XsError.Invalid;
        if (!StorePath.TryParseDomain(id, out ushort domainId) || !StorePath.TryParseNumber(port, out uint channel) || channel == 0) return XsError.Invalid;
        if (domainId == XsWire.ControlDomain || domainId >= XsWire.FirstReservedDomain) return XsError.Invalid;
        // The frame number is signed decimal (xenstore.txt, INTRODUCE); only its bits matter.
        _ = System.Buffers.Text.Utf8Parser.TryParse(gfn, out long frame, out _);
        XsError error = IntroduceDomain(state.DomainOf(domainId), (ulong)frame, channel);
        if (error == XsError.None) request.Acknowledge();
        return error;
    }

    /// <summary>Introduces a domain, or resets the connection of one that is introduced.</summary>
    public XsError IntroduceDomain(DomainState domain, ulong gfn, uint channel)
    {
        XsError error = host.Introduce(domain, gfn, channel);
        if (error != XsError.None) return error;
        domain.Gfn = gfn;
        domain.EventChannel = channel;
        if (domain.IsIntroduced) return XsError.None;
        domain.IsIntroduced = true;
        domain.IsShutDown = false;
        FireDomainEvent("@introduceDomain"u8, domain.Id);
        return XsError.None;
    }

    private void FireDomainEvent(ReadOnlySpan<byte> name, ushort domain)
    {
        state.FireSpecial(name, default);
        state.FireSpecial(name, WithDomain(name, domain));
    }

    private static byte[] WithDomain(ReadOnlySpan<byte> name, ushort domain) => [.. name, .. Encoding.ASCII.GetBytes($"/{domain}")];

    private XsError Release(in Request request)
    {
        XsError error = IntroducedDomain(request, out DomainState? domain);
        if (error != XsError.None) return error;
        ReleaseDomain(domain!);
        request.Acknowledge();
        return XsError.None;
    }

    /// <summary>
    /// Ends a domain: its sessions, what it owns, and every permission that names it, so that a later domain with the same id inherits
    /// nothing (XSA-322). Then the release event.
    /// </summary>
    public void ReleaseDomain(DomainState domain)
    {
        foreach (Session session in domain.Sessions.ToArray()) Drop(session);
        host.Release(domain);
        RemoveOwned(domain.Id);
        Tree.Permissions.Forget(domain.Id);
        state.Changes?.DomainForgotten(domain.Id);
        foreach (DomainState other in state.Domains.Values)
            if (other.Target == domain.Id) other.Target = -1;
        state.Forget(domain);
        FireDomainEvent("@releaseDomain"u8, domain.Id);
    }

    /// <summary>Notes that a domain shut down: the release event with its id, once until RESUME.</summary>
    public void NoteShutDown(DomainState domain)
    {
        if (!domain.IsIntroduced || domain.IsShutDown) return;
        domain.IsShutDown = true;
        FireDomainEvent("@releaseDomain"u8, domain.Id);
    }

    private void RemoveOwned(ushort owner)
    {
        if (state.DomainOf(owner).Used(QuotaItem.Nodes) == 0) return;
        Span<byte> buffer = new byte[XsWire.PayloadMax];
        for (int node = 1; node < Tree.IdLimit; node++)
            if (node != StoreTree.Root && Tree.Exists(node) && Tree[node].Parent != 0 && Tree.PermissionsOf(node).Owner == owner) state.Remove(node, Tree.PathOf(node, buffer));
    }

    private XsError IntroducedDomain(in Request request, out DomainState? domain)
    {
        domain = null;
        if (!TryOneString(request.Payload, out ReadOnlySpan<byte> text) || !StorePath.TryParseDomain(text, out ushort id) || id == XsWire.ControlDomain) return XsError.Invalid;
        return state.Domains.TryGetValue(id, out domain) && domain.IsIntroduced ? XsError.None : XsError.NotFound;
    }

    private XsError Resume(in Request request)
    {
        XsError error = IntroducedDomain(request, out DomainState? domain);
        if (error != XsError.None) return error;
        domain!.IsShutDown = false;
        request.Acknowledge();
        return XsError.None;
    }

    private XsError GetDomainPath(in Request request)
    {
        if (!TryOneString(request.Payload, out ReadOnlySpan<byte> text) || !StorePath.TryParseDomain(text, out ushort id)) return XsError.Invalid;
        int length = Encoding.ASCII.GetBytes(StorePath.DomainBase, _listBuffer);
        length += FormatNumber(_listBuffer.AsSpan(length), id);
        Messages.Reply(request.Output, XsMessageType.GetDomainPath, request.Header, _listBuffer.AsSpan(0, length));
        return XsError.None;
    }

    private XsError IsDomainIntroduced(in Request request)
    {
        if (!TryOneString(request.Payload, out ReadOnlySpan<byte> text) || !StorePath.TryParseDomain(text, out ushort id)) return XsError.Invalid;
        bool introduced = id is XsWire.DomainSelf or XsWire.ControlDomain || (state.Domains.TryGetValue(id, out DomainState? domain) && domain.IsIntroduced);
        Messages.Reply(request.Output, XsMessageType.IsDomainIntroduced, request.Header, introduced ? "T\0"u8 : "F\0"u8);
        return XsError.None;
    }

    private XsError SetTarget(in Request request)
    {
        ReadOnlySpan<byte> rest = request.Payload;
        if (!TryTakeString(ref rest, out ReadOnlySpan<byte> text) || !TryTakeString(ref rest, out ReadOnlySpan<byte> targetText)) return XsError.Invalid;
        if (!StorePath.TryParseDomain(text, out ushort id) || !StorePath.TryParseDomain(targetText, out ushort targetId)) return XsError.Invalid;
        if (!state.Domains.TryGetValue(id, out DomainState? domain) || !domain.IsIntroduced) return XsError.NotFound;
        if (!state.Domains.TryGetValue(targetId, out DomainState? target) || !target.IsIntroduced) return XsError.NotFound;
        domain.Target = target.Id;
        request.Acknowledge();
        return XsError.None;
    }

    private XsError GetFeature(in Request request)
    {
        ReadOnlySpan<byte> rest = request.Payload;
        XsFeatures features = request.Session.Domain.Features;
        if (TryTakeString(ref rest, out ReadOnlySpan<byte> text))
        {
            if (!request.Session.IsPrivileged) return XsError.AccessDenied;
            if (!rest.IsEmpty || !StorePath.TryParseDomain(text, out ushort id)) return XsError.Invalid;
            if (!host.MayExist(id)) return XsError.NotFound;
            features = state.DomainOf(id).Features;
        }
        ReplyNumber(request, (uint)features);
        return XsError.None;
    }

    private XsError SetFeature(in Request request)
    {
        ReadOnlySpan<byte> rest = request.Payload;
        if (!TryTakeString(ref rest, out ReadOnlySpan<byte> text) || !TryTakeString(ref rest, out ReadOnlySpan<byte> value) || !rest.IsEmpty) return XsError.Invalid;
        if (!StorePath.TryParseDomain(text, out ushort id) || !StorePath.TryParseNumber(value, out uint features)) return XsError.Invalid;
        if (!host.MayExist(id)) return XsError.NotFound;
        DomainState domain = state.DomainOf(id);
        if (domain.IsIntroduced) return XsError.Busy;
        if ((features & ~(uint)XsFeatures.All) != 0) return XsError.Invalid;
        domain.Features = (XsFeatures)features;
        request.Acknowledge();
        return XsError.None;
    }

    private XsError GetQuota(in Request request)
    {
        ReadOnlySpan<byte> rest = request.Payload;
        if (!TryTakeString(ref rest, out ReadOnlySpan<byte> first))
        {
            var names = new StringBuilder();
            for (QuotaItem item = 0; item <= QuotaItem.UnreadEvents; item++)
            {
                names.Append(names.Length == 0 ? "" : " ").Append(QuotaNames.NameOf(item));
                if (item == QuotaItem.Memory) names.Append(' ').Append(QuotaNames.SoftPrefix).Append(QuotaNames.NameOf(item));
            }
            ReplyText(request, names.ToString());
            return XsError.None;
        }
        DomainState? domain = null;
        ReadOnlySpan<byte> name = first;
        if (TryTakeString(ref rest, out ReadOnlySpan<byte> second))
        {
            if (!rest.IsEmpty || !StorePath.TryParseDomain(first, out ushort id)) return XsError.Invalid;
            if (!host.MayExist(id)) return XsError.NotFound;
            domain = state.DomainOf(id);
            name = second;
        }
        if (!TryQuotaName(name, out QuotaItem quota, out bool soft)) return XsError.Invalid;
        ReplyNumber(request, soft ? domain?.SoftMemory ?? state.Quotas.SoftMemory : (domain?.Limits ?? state.Quotas.Hard)[(int)quota]);
        return XsError.None;
    }

    private XsError SetQuota(in Request request)
    {
        ReadOnlySpan<byte> rest = request.Payload;
        if (!TryTakeString(ref rest, out ReadOnlySpan<byte> first) || !TryTakeString(ref rest, out ReadOnlySpan<byte> second)) return XsError.Invalid;
        DomainState? domain = null;
        ReadOnlySpan<byte> name = first, number = second;
        if (TryTakeString(ref rest, out ReadOnlySpan<byte> third))
        {
            if (!rest.IsEmpty || !StorePath.TryParseDomain(first, out ushort id)) return XsError.Invalid;
            if (!host.MayExist(id)) return XsError.NotFound;
            domain = state.DomainOf(id);
            name = second;
            number = third;
        }
        if (!TryQuotaName(name, out QuotaItem quota, out bool soft) || !StorePath.TryParseNumber(number, out uint value)) return XsError.Invalid;
        SetLimit(domain, quota, soft, value);
        request.Acknowledge();
        return XsError.None;
    }

    private void SetLimit(DomainState? domain, QuotaItem quota, bool soft, uint value)
    {
        if (soft && domain is not null) domain.SoftMemory = value;
        else if (soft) state.Quotas.SoftMemory = value;
        else (domain?.Limits ?? state.Quotas.Hard)[(int)quota] = value;
    }

    private static bool TryQuotaName(ReadOnlySpan<byte> text, out QuotaItem quota, out bool soft)
    {
        string name = Encoding.ASCII.GetString(text);
        soft = name.StartsWith(QuotaNames.SoftPrefix, StringComparison.Ordinal);
        return QuotaNames.TryParse(soft ? name[QuotaNames.SoftPrefix.Length..] : name, out quota) && (!soft || quota == QuotaItem.Memory);
    }

    private void ReplyNumber(in Request request, ulong value)
    {
        int length = FormatNumber(_listBuffer, value);
        Messages.Reply(request.Output, request.Type, request.Header, _listBuffer.AsSpan(0, length));
    }

    private static void ReplyText(in Request request, string text)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text + "\0");
        if (bytes.Length > XsWire.PayloadMax)
        {
            bytes = bytes[..XsWire.PayloadMax];
            bytes[^1] = 0;
        }
        Messages.Reply(request.Output, request.Type, request.Header, bytes);
    }
}
