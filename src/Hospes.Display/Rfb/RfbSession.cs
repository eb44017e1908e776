using System.Security.Cryptography;
using System.Text;

namespace Hospes.Display.Rfb;

using static RfbNumbers;

/// <summary>
/// One client of the VNC server (RFC 6143): greets it, hears it, and tells it of the screen when it asks. What it hears and what it tells are two
/// things at once; a client that does not read holds up itself only.
/// </summary>
internal sealed partial class RfbSession : IDisposable
{
    /// <summary>Bytes of the longest text that a client may put into the clipboard; it is passed over, for the guest has no way to take it.</summary>
    private const uint LongestText = 16 << 20;

    private readonly VncServer _server;
    private readonly Seat _seat;
    private readonly Stream _stream;
    private readonly RfbInput _input;
    private readonly Typist _typist;
    private readonly CancellationTokenSource _over;
    private int _minor;

    /// <param name="server">The server.</param>
    /// <param name="stream">The way to the client and back; owned.</param>
    /// <param name="cancellation">Ends the session.</param>
    public RfbSession(VncServer server, Stream stream, CancellationToken cancellation)
    {
        _server = server;
        _seat = server.Seat;
        _stream = stream;
        _input = new RfbInput(stream);
        _typist = new Typist(_seat.Inputs);
        _over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _screen = _seat.Main;
    }

    /// <summary>Serves the client to its end.</summary>
    /// <param name="greeted">Called once it was let in.</param>
    public async Task RunAsync(Action greeted)
    {
        bool isExclusive;
        using (var hurry = CancellationTokenSource.CreateLinkedTokenSource(_over.Token))
        {
            // A stranger can't hold a place for ever.
            using ITimer timer = _server.Time.CreateTimer(static source => ((CancellationTokenSource)source!).Cancel(), hurry, VncServer.GreetingTime, Timeout.InfiniteTimeSpan);
            if (await GreetAsync(hurry.Token).ConfigureAwait(false) is not { } wish) return;
            isExclusive = wish;
        }
        greeted();
        if (isExclusive) _server.EndOthers(this);
        Watch();
        try
        {
            Task telling = TellAsync(_over.Token), hearing = HearAsync(_over.Token);
            await Task.WhenAny(telling, hearing).ConfigureAwait(false);
            await _over.CancelAsync().ConfigureAwait(false);
            // What only one of both notices, the other one has to be freed from.
            await _stream.DisposeAsync().ConfigureAwait(false);
            await Task.WhenAll(telling, hearing).ConfigureAwait(false);
        }
        finally
        {
            Unwatch();
            _typist.ReleaseAll();
        }
    }

    /// <summary>Ends the session. Any thread.</summary>
    public void End() => _over.Cancel();

    /// <inheritdoc/>
    public void Dispose()
    {
        _stream.Dispose();
        _zrle?.Dispose();
        _over.Dispose();
    }

    /// <summary>Version, security, beginning (7.1 to 7.3).</summary>
    /// <returns>Whether the client wants to be alone; null when it was not let in.</returns>
    private async Task<bool?> GreetAsync(CancellationToken cancellation)
    {
        await _stream.WriteAsync(Encoding.ASCII.GetBytes(RfbNumbers.Version), cancellation).ConfigureAwait(false);
        string version = Encoding.ASCII.GetString((await _input.ReadAsync(RfbNumbers.Version.Length, cancellation).ConfigureAwait(false)).Span);
        if (!version.StartsWith("RFB 003.", StringComparison.Ordinal) || !int.TryParse(version.AsSpan(8, 3), System.Globalization.NumberStyles.None, null, out int minor)) return null;
        // Numbers that were never given out are taken for the oldest (7.1.1), but for larger ones.
        _minor = minor >= 8 ? 8 : minor == 7 ? 7 : 3;
        if (!await SecureAsync(cancellation).ConfigureAwait(false)) return null;
        bool isExclusive = await _input.ByteAsync(cancellation).ConfigureAwait(false) == 0;
        _output.Clear();
        (int width, int height) = ShownSize;
        _output.Short(width);
        _output.Short(height);
        PixelFormat.WriteOwn(_output.Take(PixelFormat.Size));
        byte[] name = Encoding.UTF8.GetBytes(_server.Name);
        _output.Int(name.Length);
        _output.Bytes(name);
        await FlushAsync(cancellation).ConfigureAwait(false);
        return isExclusive;
    }

    private async Task<bool> SecureAsync(CancellationToken cancellation)
    {
        byte kind = _server.WantsPassword ? SecurityPassword : SecurityNone;
        _output.Clear();
        if (_minor == 3)
        {
            _output.Int(kind);
            await FlushAsync(cancellation).ConfigureAwait(false);
        }
        else
        {
            _output.Bytes([1, kind]);
            await FlushAsync(cancellation).ConfigureAwait(false);
            if (await _input.ByteAsync(cancellation).ConfigureAwait(false) != kind)
            {
                await VerdictAsync("that kind of security was not offered", cancellation).ConfigureAwait(false);
                return false;
            }
        }
        if (kind == SecurityNone)
        {
            // Only the newest version tells a result where nothing was asked (7.1.3).
            if (_minor == 8) await VerdictAsync(null, cancellation).ConfigureAwait(false);
            return true;
        }
        byte[] challenge = RandomNumberGenerator.GetBytes(ChallengeSize);
        await _stream.WriteAsync(challenge, cancellation).ConfigureAwait(false);
        ReadOnlyMemory<byte> answer = await _input.ReadAsync(ChallengeSize, cancellation).ConfigureAwait(false);
        bool isRight = _server.IsRight(challenge, answer.Span);
        await VerdictAsync(isRight ? null : "authentication failed", cancellation).ConfigureAwait(false);
        return isRight;
    }

    /// <summary>Tells whether the client is let in (7.1.3).</summary>
    private async Task VerdictAsync(string? refused, CancellationToken cancellation)
    {
        _output.Clear();
        _output.Int(refused is null ? 0 : 1);
        if (refused is not null && _minor == 8)
        {
            _output.Int(refused.Length);
            _output.Bytes(Encoding.ASCII.GetBytes(refused));
        }
        await FlushAsync(cancellation).ConfigureAwait(false);
    }

    private async Task FlushAsync(CancellationToken cancellation)
    {
        await _stream.WriteAsync(_output.Written, cancellation).ConfigureAwait(false);
        _output.Clear();
    }

    /// <summary>Hears the client until it is gone or says something that makes no sense.</summary>
    private async Task HearAsync(CancellationToken cancellation)
    {
        while (true)
        {
            switch (await _input.ByteAsync(cancellation).ConfigureAwait(false))
            {
                case RfbNumbers.SetPixelFormat:
                    ReadOnlyMemory<byte> wish = await _input.ReadAsync(3 + PixelFormat.Size, cancellation).ConfigureAwait(false);
                    if (PixelFormat.TryRead(wish.Span[3..], out bool isMapped) is not { } format) return;
                    SetFormat(format, isMapped);
                    break;
                case RfbNumbers.SetEncodings:
                    int count = RfbInput.Short(await _input.ReadAsync(3, cancellation).ConfigureAwait(false), 1);
                    var encodings = new ClientEncodings();
                    for (int i = 0; i < count; i++) encodings.Add((int)RfbInput.Int(await _input.ReadAsync(4, cancellation).ConfigureAwait(false), 0));
                    SetEncodings(encodings);
                    break;
                case UpdateRequest:
                    ReadOnlyMemory<byte> request = await _input.ReadAsync(9, cancellation).ConfigureAwait(false);
                    Request(request.Span[0] != 0, new ScreenArea(RfbInput.Short(request, 1), RfbInput.Short(request, 3), RfbInput.Short(request, 5), RfbInput.Short(request, 7)));
                    break;
                case KeyEvent:
                    ReadOnlyMemory<byte> key = await _input.ReadAsync(7, cancellation).ConfigureAwait(false);
                    _typist.Symbol(RfbInput.Int(key, 3), key.Span[0] != 0);
                    break;
                case PointerEvent:
                    ReadOnlyMemory<byte> pointer = await _input.ReadAsync(5, cancellation).ConfigureAwait(false);
                    (int width, int height) = ShownSize;
                    _typist.Pointer(RfbInput.Short(pointer, 1), RfbInput.Short(pointer, 3), width, height, pointer.Span[0]);
                    break;
                case ClientCutText:
                    // Those who know the extended clipboard send a negative number for its length.
                    int length = (int)RfbInput.Int(await _input.ReadAsync(7, cancellation).ConfigureAwait(false), 3);
                    long bytes = Math.Abs((long)length);
                    if (bytes > LongestText) return;
                    await _input.SkipAsync(bytes, cancellation).ConfigureAwait(false);
                    break;
                case RfbNumbers.SetDesktopSize:
                    ReadOnlyMemory<byte> size = await _input.ReadAsync(7, cancellation).ConfigureAwait(false);
                    (int w, int h, int screens) = (RfbInput.Short(size, 1), RfbInput.Short(size, 3), size.Span[5]);
                    await _input.SkipAsync(screens * 16L, cancellation).ConfigureAwait(false);
                    AskForSize(w, h, screens);
                    break;
                case Qemu:
                    if (await _input.ByteAsync(cancellation).ConfigureAwait(false) != QemuKey) return;
                    ReadOnlyMemory<byte> numbered = await _input.ReadAsync(10, cancellation).ConfigureAwait(false);
                    if (KeyTable.TryFind(RfbInput.Int(numbered, 6), out ushort code)) _typist.Key(code, RfbInput.Short(numbered, 0) != 0);
                    break;
                default:
                    return;
            }
        }
    }
}
