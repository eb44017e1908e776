using Hospes.Domains.Events;
using Hospes.Libvirt.Wire;

namespace Hospes.Libvirt.Procedures;

/// <summary>Events as messages, of both generations.</summary>
internal static class EventMessages
{
    /// <summary>The procedure that tells of a kind of event, or null if that generation cannot.</summary>
    public static int? Number(DomainEventKind kind, bool withCallback) => (kind, withCallback) switch
    {
        (DomainEventKind.Lifecycle, true) => 318,
        (DomainEventKind.Lifecycle, false) => 107,
        (DomainEventKind.Reboot, true) => 319,
        (DomainEventKind.Reboot, false) => 169,
        (DomainEventKind.RtcChange, true) => 320,
        (DomainEventKind.RtcChange, false) => 170,
        (DomainEventKind.Watchdog, true) => 321,
        (DomainEventKind.Watchdog, false) => 171,
        (DomainEventKind.IoError, true) => 322,
        (DomainEventKind.IoError, false) => 172,
        (DomainEventKind.IoErrorReason, true) => 324,
        (DomainEventKind.IoErrorReason, false) => 195,
        (DomainEventKind.Graphics, true) => 323,
        (DomainEventKind.Graphics, false) => 173,
        (DomainEventKind.BalloonChange, true) => 331,
        (DomainEventKind.BalloonChange, false) => 276,
        (DomainEventKind.DeviceRemoved, true) => 333,
        (DomainEventKind.DeviceRemoved, false) => 311,
        (DomainEventKind.Tunable, true) => 346,
        (DomainEventKind.DeviceAdded, true) => 354,
        (DomainEventKind.MetadataChange, true) => 379,
        _ => null,
    };

    /// <summary>Writes what the message carries.</summary>
    public static void Write(XdrWriter writer, DomainEvent happened, int callback)
    {
        if (callback >= 0) writer.Int32(callback);
        new DomainName(happened.Name, happened.Uuid, happened.Id).Write(writer);
        switch (happened.Kind)
        {
            case DomainEventKind.Lifecycle:
                writer.Int32(happened.Event);
                writer.Int32(happened.Detail);
                break;
            case DomainEventKind.Watchdog:
                writer.Int32(happened.Event);
                break;
            case DomainEventKind.IoError when happened.Texts is [string source, string device]:
                writer.Text(source);
                writer.Text(device);
                writer.Int32(happened.Event);
                break;
            case DomainEventKind.IoErrorReason when happened.Texts is [string source, string device, string reason]:
                writer.Text(source);
                writer.Text(device);
                writer.Int32(happened.Event);
                writer.Text(reason);
                break;
            case DomainEventKind.Graphics when happened.Texts is [string family, string host, string port, string peerFamily, string peerHost, string peerPort, string scheme]:
                writer.Int32(happened.Event);
                WriteEnd(writer, family, host, port);
                WriteEnd(writer, peerFamily, peerHost, peerPort);
                writer.Text(scheme);
                // Who it is beside an address: nobody proved that.
                writer.Int32(0);
                break;
            case DomainEventKind.RtcChange or DomainEventKind.BalloonChange:
                writer.UInt64(happened.Value);
                break;
            case DomainEventKind.DeviceRemoved or DomainEventKind.DeviceAdded:
                writer.Text(happened.Text ?? "");
                break;
            case DomainEventKind.Tunable:
                new Parameters([.. TunedValue.Read(happened.Text ?? "").Select(static value => value.Words is { } words ? TypedParameter.Text(value.Name, words)
                    : value.IsSigned ? TypedParameter.Long(value.Name, value.Number!.Value)
                    : TypedParameter.ULong(value.Name, (ulong)value.Number!.Value))]).Write(writer);
                break;
            case DomainEventKind.MetadataChange:
                writer.Int32(happened.Event);
                writer.OptionalText(happened.Text);
                break;
        }
    }

    /// <summary><c>remote_domain_event_graphics_address</c>, with <c>virDomainEventGraphicsAddressType</c>.</summary>
    private static void WriteEnd(XdrWriter writer, string family, string host, string port)
    {
        writer.Int32(family switch
        {
            "ipv4" => 0,
            "ipv6" => 1,
            _ => 2,
        });
        writer.Text(host);
        writer.Text(port);
    }
}
