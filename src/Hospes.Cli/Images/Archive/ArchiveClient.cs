using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Images.Packages;

namespace Hospes.Cli.Images.Archive;

/// <summary>
/// Fetches files of an archive over http or https. Proxies come from the environment (<c>http_proxy</c>, <c>https_proxy</c>,
/// <c>no_proxy</c>). A download that broke off goes on where it stopped, in this run or in a later one.
/// </summary>
internal sealed class ArchiveClient : IDisposable
{
    /// <summary>The largest document that is held in memory: Debian's InRelease files are below 256 KiB.</summary>
    public const int LargestDocument = 8 << 20;

    private const int Attempts = 3;
    private const int BufferSize = 128 << 10;

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan SilenceTimeout = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http;
    private readonly TimeSpan _pause;

    /// <summary>Makes a client.</summary>
    /// <param name="pause">How long to wait before a broken download goes on; doubled each time.</param>
    public ArchiveClient(TimeSpan pause)
    {
        _pause = pause;
        _http = new HttpClient(new SocketsHttpHandler { ConnectTimeout = ConnectTimeout, AutomaticDecompression = DecompressionMethods.None })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("hospes", typeof(ArchiveClient).Assembly.GetName().Version?.ToString(3)));
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    /// <summary>Fetches a small document.</summary>
    public async Task<Outcome<byte[]>> GetAsync(Uri address, CancellationToken cancellation)
    {
        Failure? last = null;
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            if (attempt > 0) await Task.Delay(_pause * (1 << attempt), cancellation).ConfigureAwait(false);
            using var document = new MemoryStream();
            last = await CopyAsync(address, 0, document, LargestDocument, static _ => { }, cancellation).ConfigureAwait(false);
            if (last is null) return document.ToArray();
            if (last.Kind != FailureKind.Network) return last;
        }

        return last!;
    }

    /// <summary>Fetches a described file to a path, where it stands whole and checked or not at all.</summary>
    /// <param name="address">Where it is.</param>
    /// <param name="file">Its size and checksum.</param>
    /// <param name="target">Where to put it. A broken download waits beside it, under the same name with <c>.part</c>.</param>
    /// <param name="done">Told how many bytes are there.</param>
    /// <param name="cancellation">Ends the download; what came so far is kept.</param>
    public async Task<Failure?> DownloadAsync(Uri address, DescribedFile file, string target, Action<long> done, CancellationToken cancellation)
    {
        if (File.Exists(target))
        {
            if (await HashAsync(target, cancellation).ConfigureAwait(false) == file.Sha256)
            {
                done(file.Size);
                return null;
            }

            File.Delete(target);
        }

        string part = target + ".part";
        Failure? last = null;
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            if (attempt > 0) await Task.Delay(_pause * (1 << attempt), cancellation).ConfigureAwait(false);
            bool resumed;
            await using (var output = new FileStream(part, FileMode.OpenOrCreate, FileAccess.ReadWrite))
            {
                if (output.Length > file.Size) output.SetLength(0);
                output.Seek(0, SeekOrigin.End);
                resumed = output.Length > 0;
                last = output.Length == file.Size && resumed
                    ? null
                    : await CopyAsync(address, output.Length, output, file.Size, done, cancellation).ConfigureAwait(false);
                if (last is null && output.Length < file.Size)
                    last = new Failure(FailureKind.Network, $"{address} ended after {output.Length} of {file.Size} bytes", "try again: what came so far is kept");
            }

            if (last is null)
            {
                if (await HashAsync(part, cancellation).ConfigureAwait(false) == file.Sha256)
                {
                    File.Move(part, target, overwrite: true);
                    return null;
                }

                File.Delete(part);
                last = new Failure(FailureKind.Integrity, $"{address} does not have the SHA-256 checksum that the archive publishes ({file.Sha256})", "try again, or choose another archive with --mirror URL");
                // The first half may be from an older file at the same address: once more from the start.
                if (resumed) continue;
            }

            if (last.Kind != FailureKind.Network) return last;
        }

        return last;
    }

    private static async Task<string> HashAsync(string path, CancellationToken cancellation)
    {
        await using FileStream input = File.OpenRead(path);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(input, cancellation).ConfigureAwait(false));
    }

    /// <summary>Copies what an address serves, from an offset on, to the end of a stream that may grow up to a limit.</summary>
    private async Task<Failure?> CopyAsync(Uri address, long offset, Stream output, long limit, Action<long> done, CancellationToken cancellation)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        silence.CancelAfter(SilenceTimeout);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            if (offset > 0) request.Headers.Range = new RangeHeaderValue(offset, null);
            using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, silence.Token).ConfigureAwait(false);
            bool continues = offset > 0 && response.StatusCode == HttpStatusCode.PartialContent && response.Content.Headers.ContentRange?.From == offset;
            if (offset > 0 && !continues)
            {
                // The server sends the whole file again, or refuses the range: start over.
                output.SetLength(0);
                if (response.StatusCode is HttpStatusCode.PartialContent or HttpStatusCode.RequestedRangeNotSatisfiable)
                    return new Failure(FailureKind.Network, $"{address} cannot be continued at byte {offset}", "try again");
            }

            if (!response.IsSuccessStatusCode) return Refused(address, response.StatusCode);
            await using Stream body = await response.Content.ReadAsStreamAsync(silence.Token).ConfigureAwait(false);
            byte[] buffer = new byte[BufferSize];
            while (true)
            {
                silence.CancelAfter(SilenceTimeout);
                int read = await body.ReadAsync(buffer, silence.Token).ConfigureAwait(false);
                if (read == 0) return null;
                if (output.Length + read > limit)
                {
                    output.SetLength(0);
                    return new Failure(FailureKind.Integrity, $"{address} is larger than the {limit} bytes that it should have at most", "choose another archive with --mirror URL");
                }

                await output.WriteAsync(buffer.AsMemory(0, read), CancellationToken.None).ConfigureAwait(false);
                done(output.Length);
            }
        }
        catch (HttpRequestException fault)
        {
            return Unreachable(address, fault.InnerException?.Message ?? fault.Message);
        }
        catch (HttpIOException fault)
        {
            return Unreachable(address, fault.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Unreachable(address, $"no answer for {SilenceTimeout.TotalSeconds:0} seconds");
        }
    }

    private static Failure Unreachable(Uri address, string why) =>
        new(FailureKind.Network, $"{address} cannot be fetched: {why.TrimEnd('.')}", "check the network and the proxy (http_proxy, https_proxy), or choose another archive with --mirror URL");

    private static Failure Refused(Uri address, HttpStatusCode status) => status switch
    {
        HttpStatusCode.NotFound or HttpStatusCode.Gone => new Failure(FailureKind.NotThere, $"{address} is not there", "choose another archive with --mirror URL"),
        >= HttpStatusCode.InternalServerError or HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests =>
            Unreachable(address, $"the server answers {(int)status}"),
        _ => new Failure(FailureKind.NotThere, $"{address} is refused: the server answers {(int)status}", "choose another archive with --mirror URL"),
    };
}
