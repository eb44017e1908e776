using Hospes.Domains;
using Hospes.Domains.Lifecycle;
using Hospes.Libvirt.Server;
using Hospes.Libvirt.Wire;

namespace Hospes.Libvirt.Procedures;

/// <summary><c>virDomainOpenConsole</c>: the call's serial number becomes that of a stream.</summary>
internal sealed class OpenConsoleProcedure() : Procedure(201, "virDomainOpenConsole", Access.Write)
{
    /// <summary><c>VIR_DOMAIN_CONSOLE_FORCE</c>, <c>_SAFE</c></summary>
    private const uint Known = 3;

    public override ValueTask CallAsync(ClientSession session, uint serial, ReadOnlySpan<byte> arguments)
    {
        var reader = new XdrReader(arguments);
        DomainTextFlags wish = DomainTextFlags.Read(ref reader);
        if (reader.Complete) return OpenAsync(session, serial, wish);
        session.Fail(Number, serial, new LibvirtError(ErrorCode.Rpc, ErrorDomain.Rpc, "Unable to decode message payload"));
        return ValueTask.CompletedTask;
    }

    private async ValueTask OpenAsync(ClientSession session, uint serial, DomainTextFlags wish)
    {
        LibvirtError? refusal = Flags.Check(wish.Flags, Known, Name);
        if (refusal is null)
        {
            Outcome<ManagedDomain> found = session.Host.Find(wish.Domain.Uuid);
            Outcome<Stream> opened = found.Failure is { } missing ? missing : await session.Host.OpenConsoleAsync(found.Value, wish.Text).ConfigureAwait(false);
            if (opened.Failure is { } failure) refusal = LibvirtError.From(failure);
            else if (!session.TryOpenStream(Number, serial, opened.Value))
            {
                await opened.Value.DisposeAsync().ConfigureAwait(false);
                refusal = new LibvirtError(ErrorCode.ResourceBusy, ErrorDomain.Rpc, "too many streams");
            }
        }
        if (refusal is not null)
        {
            session.Fail(Number, serial, refusal);
            return;
        }
        session.Answer<Nothing>(Number, serial, default(Nothing));
        session.StartStream(serial);
    }
}
