using Hospes.Libvirt.Server;
using Hospes.Libvirt.Wire;
using static Hospes.Libvirt.Procedures.Access;
using static Hospes.Libvirt.Procedures.Procedure;

namespace Hospes.Libvirt.Procedures;

/// <summary>Wishes to be told of events, of both generations.</summary>
internal static class EventProcedures
{
    public static IReadOnlyList<Procedure> All { get; } =
    [
        Now<Nothing, Number>(105, "virConnectDomainEventRegister", Read, static (session, _) => Wish(session, 0, null, firstGeneration: true) is { } refusal ? refusal : new Number(1)),
        Now<Nothing, Number>(106, "virConnectDomainEventDeregister", Read, static (session, _) => session.Unwish(-1) ? new Number(0) : NotWished(-1)),
        Now<Number, Nothing>(167, "virConnectDomainEventRegisterAny", Read, static (session, kind) => Wish(session, kind.Value, null, firstGeneration: true) is { } refusal ? refusal : default(Nothing)),
        Now<Number, Nothing>(168, "virConnectDomainEventDeregisterAny", Read, static (session, kind) => session.Unwish(-1 - kind.Value) ? default(Nothing) : NotWished(kind.Value)),
        Now<EventWishes, Number>(316, "virConnectDomainEventRegisterAny", Read, Register),
        Now<Number, Nothing>(317, "virConnectDomainEventDeregisterAny", Read, static (session, callback) => callback.Value >= 0 && session.Unwish(callback.Value) ? default(Nothing) : NotWished(callback.Value)),
    ];

    private static Answer<Number> Register(ClientSession session, EventWishes wish)
    {
        if (wish.Domain is { } name && session.Host.Find(name.Uuid).Failure is { } missing) return missing;
        if (Refuse(wish.Kind) is { } refusal) return refusal;
        return session.Wish(wish.Kind, wish.Domain?.Uuid, firstGeneration: false) is { } callback ? new Number(callback) : TooMany;
    }

    private static LibvirtError? Wish(ClientSession session, int kind, Guid? domain, bool firstGeneration)
        => Refuse(kind) ?? (session.Wish(kind, domain, firstGeneration) is null ? TooMany : null);

    private static LibvirtError? Refuse(int kind) => (uint)kind < ClientSession.EventKinds ? null : new LibvirtError(ErrorCode.InternalError, ErrorDomain.Rpc, $"unsupported event ID {kind}");

    private static LibvirtError TooMany { get; } = new(ErrorCode.InternalError, ErrorDomain.Rpc, "too many event callbacks");

    private static LibvirtError NotWished(int callback) => new(ErrorCode.InternalError, ErrorDomain.Rpc, $"domain event callback {callback} not registered");

    /// <summary><c>remote_connect_domain_event_callback_register_any_args</c></summary>
    private readonly record struct EventWishes(int Kind, DomainName? Domain) : IArguments<EventWishes>
    {
        public static EventWishes Read(ref XdrReader reader) => new(reader.Int32(), reader.Present() ? DomainName.Read(ref reader) : null);
    }
}
