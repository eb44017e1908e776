using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Hospes.Cli.Tests.Images;

/// <summary>A small HTTP server on the loopback address. Each connection serves one request.</summary>
internal sealed class LoopbackServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();

    public LoopbackServer()
    {
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>Bodies by path.</summary>
    public ConcurrentDictionary<string, byte[]> Files { get; } = new();

    /// <summary>Answers by path: given the request's first byte, the status and how many bytes of the rest are sent before the connection ends.</summary>
    public ConcurrentDictionary<string, Func<long, (int Status, int Sent)>> Troubles { get; } = new();

    /// <summary>The paths that were asked for, each with its first byte when it was not 0.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>Whether ranges are answered.</summary>
    public bool Ranges { get; set; } = true;

    public string Address => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public void Dispose()
    {
        if (!_end.IsCancellationRequested) _end.Cancel();
        _listener.Stop();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptTcpClientAsync(_end.Token));
        }
        catch (Exception fault) when (fault is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            NetworkStream stream = client.GetStream();
            using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
            string[] words = (await reader.ReadLineAsync() ?? "").Split(' ');
            long first = 0;
            while (await reader.ReadLineAsync() is { Length: > 0 } header)
            {
                if (header.StartsWith("Range: bytes=", StringComparison.OrdinalIgnoreCase))
                    first = long.Parse(header["Range: bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture);
            }

            if (words.Length < 2) return;
            // A proxy is asked with the whole address.
            string path = Uri.UnescapeDataString(words[1].StartsWith('/') ? words[1] : new Uri(words[1]).AbsolutePath);
            Requests.Enqueue(first == 0 ? path : $"{path} from {first}");
            if (!Ranges) first = 0;
            (int status, int sent) = Troubles.TryGetValue(path, out Func<long, (int, int)>? trouble) ? trouble(first) : (first > 0 ? 206 : 200, int.MaxValue);
            if (!Files.TryGetValue(path, out byte[]? body)) (status, body) = (404, "nothing here"u8.ToArray());
            if (status >= 400) first = 0;
            byte[] rest = body[(int)Math.Min(first, body.Length)..];
            string range = status == 206 ? $"Content-Range: bytes {first}-{body.Length - 1}/{body.Length}\r\n" : "";
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status} X\r\nContent-Length: {rest.Length}\r\n{range}Connection: close\r\n\r\n"));
            await stream.WriteAsync(rest.AsMemory(0, Math.Min(sent, rest.Length)));
        }
    }
}
