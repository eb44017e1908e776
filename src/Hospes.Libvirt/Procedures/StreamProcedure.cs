using Hospes.Domains;
using Hospes.Domains.Lifecycle;
using Hospes.Libvirt.Server;
using Hospes.Libvirt.Wire;

namespace Hospes.Libvirt.Procedures;

/// <summary>A procedure whose call becomes a stream: the call's serial number is the stream's.</summary>
/// <typeparam name="TArguments">What the call carries.</typeparam>
/// <typeparam name="TResult">What the answer carries, beside the stream.</typeparam>
internal class StreamProcedure<TArguments, TResult>(int number, string name, Access access, Func<ClientSession, TArguments, ValueTask<Answer<(Stream Stream, TResult Result)>>> open)
    : Procedure(number, name, access)
    where TArguments : struct, IArguments<TArguments> where TResult : struct, IResult
{
    public override ValueTask CallAsync(ClientSession session, uint serial, ReadOnlySpan<byte> arguments)
    {
        var reader = new XdrReader(arguments);
        TArguments wish = TArguments.Read(ref reader);
        if (reader.Complete) return OpenAsync(session, serial, wish);
        session.Fail(Number, serial, new LibvirtError(ErrorCode.Rpc, ErrorDomain.Rpc, "Unable to decode message payload"));
        return ValueTask.CompletedTask;
    }

    private async ValueTask OpenAsync(ClientSession session, uint serial, TArguments wish)
    {
        Answer<(Stream Stream, TResult Result)> opened = await open(session, wish).ConfigureAwait(false);
        if (opened.Error is { } refusal)
        {
            session.Fail(Number, serial, refusal);
            return;
        }
        if (!session.TryOpenStream(Number, serial, opened.Value.Stream))
        {
            await opened.Value.Stream.DisposeAsync().ConfigureAwait(false);
            session.Fail(Number, serial, new LibvirtError(ErrorCode.ResourceBusy, ErrorDomain.Rpc, "too many streams"));
            return;
        }
        session.Answer<TResult>(Number, serial, opened.Value.Result);
        session.StartStream(serial);
    }
}

/// <summary>A procedure whose call becomes a stream, and whose answer carries nothing else.</summary>
/// <typeparam name="TArguments">What the call carries.</typeparam>
internal sealed class StreamProcedure<TArguments>(int number, string name, Access access, Func<ClientSession, TArguments, ValueTask<Answer<Stream>>> open)
    : StreamProcedure<TArguments, Nothing>(number, name, access, async (session, wish) =>
    {
        Answer<Stream> opened = await open(session, wish).ConfigureAwait(false);
        return opened.Error is { } refusal ? refusal : (opened.Value!, default(Nothing));
    })
    where TArguments : struct, IArguments<TArguments>;

/// <summary>Consoles and channels as streams.</summary>
internal static class ConsoleProcedures
{
    /// <summary><c>VIR_DOMAIN_CONSOLE_FORCE</c>, <c>_SAFE</c>; channels know the first.</summary>
    private const uint Known = 3;

    public static IReadOnlyList<Procedure> All { get; } =
    [
        new StreamProcedure<DomainTextFlags>(201, "virDomainOpenConsole", Access.Write, static (session, wish) => OpenAsync(session, wish, "virDomainOpenConsole", channel: false)),
        new StreamProcedure<DomainTextFlags>(296, "virDomainOpenChannel", Access.Write, static (session, wish) => OpenAsync(session, wish, "virDomainOpenChannel", channel: true)),
    ];

    private static async ValueTask<Answer<Stream>> OpenAsync(ClientSession session, DomainTextFlags wish, string function, bool channel)
    {
        if (Flags.Check(wish.Flags, Known, function) is { } unknown) return unknown;
        Outcome<ManagedDomain> found = session.Host.Find(wish.Domain.Uuid);
        if (found.Failure is { } missing) return missing;
        string? alias = wish.Text;
        if (channel && found.Value.Now.Live?.Devices.Channels.FirstOrDefault(device => alias is null || device.TargetName == alias || device.Alias == alias) is { } named) alias = named.Alias;
        Outcome<Stream> opened = await session.Host.OpenConsoleAsync(found.Value, alias).ConfigureAwait(false);
        return opened.Failure is { } failure ? failure : opened.Value;
    }
}
