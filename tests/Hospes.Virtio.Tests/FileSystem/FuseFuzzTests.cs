using System.Globalization;
using System.Text;
using Hospes.Virtio.FileSystem;

namespace Hospes.Virtio.Tests.FileSystem;

/// <summary>
/// Requests of random bytes, of good and bad numbers in good order, and cut ones, while the host changes the folder too. HOSPES_FUZZ_REQUESTS sets
/// how many (40,000 when not set), HOSPES_FUZZ_SEED the seed. Nothing throws, no bound is passed, nothing outside is touched.
/// </summary>
public sealed class FuseFuzzTests
{
    private static readonly string[] s_names = ["a", "b", "c", "link", "up", "..", ".", "", "a/b", "/", "../outside/secret", "user.x", "secret", "x\u00FF"];
    private static readonly FuseOperation[] s_operations = [.. Enum.GetValues<FuseOperation>().Where(static at => at is not (FuseOperation.SynchronizeFileSystem or FuseOperation.Destroy))];

    [Fact]
    public void Requests_of_any_kind_are_contained()
    {
        long requests = Number("HOSPES_FUZZ_REQUESTS", 40_000);
        var random = new Random((int)Number("HOSPES_FUZZ_SEED", 20261121));
        var limits = new ShareLimits(60, 12, 6);
        // Where writes that are synchronous cost nothing.
        using var client = new FuseClient(limits: limits, under: Directory.Exists("/dev/shm") ? "/dev/shm" : null);
        byte[] reply = new byte[FuseServer.LongestReply];
        for (long i = 0; i < requests; i++)
        {
            if (i % 500 == 0) client.Begin();
            if (i % 100 == 0) Disturb(client, random);
            byte[] request = Next(client, random);
            uint length = random.Next(20) == 0 ? (uint)random.Next(2000) : (uint)request.Length;
            int room = random.Next(10) == 0 ? random.Next(300) : reply.Length;
            uint written = client.Server.Serve(request, length, reply.AsSpan(0, room), client);
            written.ShouldBeLessThanOrEqualTo(FuseClient.MostData + 16, $"request {i}");
            client.Server.Nodes.ShouldBeLessThanOrEqualTo(limits.Nodes);
            client.Server.Kept.ShouldBeLessThanOrEqualTo(limits.Descriptors);
            client.Server.Handles.ShouldBeLessThanOrEqualTo(limits.Handles);
        }
        Directory.GetFileSystemEntries(client.Base).Length.ShouldBe(2);
    }

    private static byte[] Next(FuseClient client, Random random)
    {
        FuseOperation operation = random.Next(50) == 0 ? (FuseOperation)random.Next(60) : s_operations[random.Next(s_operations.Length)];
        if (operation is FuseOperation.Destroy or FuseOperation.SynchronizeFileSystem) operation = FuseOperation.Lookup;
        var arguments = new List<object>();
        int fields = random.Next(6);
        if (operation is FuseOperation.Read or FuseOperation.Write or FuseOperation.ReadFolder or FuseOperation.ReadFolderPlus)
        {
            arguments.AddRange([Small(random), Small(random), (uint)random.Next(1 << 17), (uint)random.Next(4), 0ul, (uint)random.Next(4096), 0u]);
        }
        else
        {
            for (int i = 0; i < fields; i++) arguments.Add(random.Next(2) == 0 ? (uint)Small(random) : Small(random));
        }
        for (int i = random.Next(3); i > 0; i--) arguments.Add(random.Next(12) == 0 ? Noise(random) : Encoding.UTF8.GetBytes(s_names[random.Next(s_names.Length)] + '\0'));
        byte[] request = client.Pack(operation, (ulong)random.Next(80), (uint)random.Next(3), [.. arguments]);
        return random.Next(25) == 0 ? request[..random.Next(request.Length)] : request;
    }

    /// <summary>Mostly a number that may mean something: a file, a handle, a few flags, a little size. None that fills a disk.</summary>
    private static ulong Small(Random random) => random.Next(8) switch
    {
        0 => (ulong)random.Next(1 << 20),
        1 => 0,
        2 => ulong.MaxValue - (ulong)random.Next(100),
        3 => 1ul << 63,
        _ => (ulong)random.Next(100),
    };

    private static byte[] Noise(Random random)
    {
        byte[] noise = new byte[random.Next(600)];
        random.NextBytes(noise);
        return noise;
    }

    /// <summary>Somebody of the host works in the folder too.</summary>
    private static void Disturb(FuseClient client, Random random)
    {
        string path = client.At(s_names[random.Next(3)]);
        try
        {
            if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
            else File.Delete(path);
        }
        catch (IOException)
        {
            // Names that are no UTF-8 are beyond the runtime: what has them stays.
            return;
        }
        switch (random.Next(4))
        {
            case 0:
                File.CreateSymbolicLink(path, random.Next(2) == 0 ? client.Outside : "..");
                break;
            case 1:
                Directory.CreateDirectory(Path.Combine(path, "b", "c"));
                break;
            case 2:
                File.WriteAllText(path, "text");
                break;
        }
    }

    private static long Number(string name, long otherwise) => Environment.GetEnvironmentVariable(name) is { } text ? long.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
