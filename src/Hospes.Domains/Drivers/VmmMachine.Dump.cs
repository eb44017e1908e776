using System.Text.Json;
using System.Text.Json.Nodes;
using Hospes.Domains.Lifecycle;
using Hospes.Domains.Storage;

namespace Hospes.Domains.Drivers;

internal sealed partial class VmmMachine
{
    /// <summary>
    /// A confined machine gets at no file that a client names: it writes into a pipe in its folder, which is copied from there. Whoever closes the pipe ends the dump.
    /// </summary>
    public async ValueTask<DomainFailure?> DumpAsync(FileStream to, DomainJob job)
    {
        string pipe = Path.Combine(_folder, "dump");
        try
        {
            File.Delete(pipe);
            if (_driver.MakePipe(pipe) is { } refusal) return refusal;
            // Opened both ways, it keeps the machine from waiting for a reader, and the reader from waiting for the machine.
            var held = new FileStream(pipe, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
            await using (held.ConfigureAwait(false))
            {
                var wish = new JsonObject { ["paging"] = false, ["protocol"] = $"file:{pipe}", ["detach"] = true };
                if (await DoAsync("dump-guest-memory", wish).ConfigureAwait(false) is { } failure) return failure;
                var from = new FileStream(pipe, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
                await using (from.ConfigureAwait(false))
                {
                    await held.DisposeAsync().ConfigureAwait(false);
                    await SparseCopy.CopyAsync(from, to, job.Advance, job.Cancellation).ConfigureAwait(false);
                }
            }
            return await DumpEndAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _ = await DumpEndAsync().ConfigureAwait(false);
            return new DomainFailure(DomainError.Aborted, "domain core dump job: canceled by client");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new DomainFailure(DomainError.System, fault.Message.TrimEnd('.'));
        }
        finally
        {
            File.Delete(pipe);
        }
    }

    /// <summary>Waits until the machine is through with a dump.</summary>
    private async ValueTask<DomainFailure?> DumpEndAsync()
    {
        while (true)
        {
            (JsonElement? told, DomainFailure? failure) = await AskAsync("query-dump").ConfigureAwait(false);
            if (failure is not null) return failure;
            string? status = told is { ValueKind: JsonValueKind.Object } answer && answer.TryGetProperty("status", out JsonElement word) ? word.GetString() : null;
            if (status != "active") return status == "completed" ? null : new DomainFailure(DomainError.OperationFailed, "dump-guest-memory: the machine could not write its memory");
            await Task.Delay(TimeSpan.FromMilliseconds(10), _driver.Clock).ConfigureAwait(false);
        }
    }
}
